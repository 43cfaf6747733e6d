"""Names of the page's parts, for layout and callbacks alike; the stylesheet and tests know them."""

PROVIDER = "provider"
ADDRESS = "address"  # the browser's own: pathname and search
MAIN = "main"
TITLE = "title"  # store: the document title of the page that was come to
ARRIVED = "arrived"  # says aloud which page was come to
RUN_PICKER = "run-picker"
THEME = "theme"
SCHEME = "scheme"  # store: "light" or "dark", what the reader sees
SYSTEM_SCHEME = "system-scheme"  # store, set by page.js when the system changes
WINDOW_WIDTH = "window-width"  # store: px, as it was when the theme was chosen

CLOCK = "clock"
TICK = "tick"  # store: a clock's beat that page.js let through
NUDGE = "nudge"  # store: changes when a click changed something: the next beat is now
PAUSED = "paused"
PAUSE = "pause"
LIVE = "live"
SEEN = "seen"  # store: the stamp of the world and the query; pages read afresh when it changes
RUN_KEY = "run-key"  # store: the state of the run that is shown
CHARTED = "charted"  # store: the same, for the charts: handed on by assets/overview.js
FILLED = "filled"  # store: the stamp of what the Overview says beside its charts
BARS_DRAWN = "bars-drawn"  # stores: what each chart was drawn of, None before it was
MAP_DRAWN = "map-drawn"

WORLD = "world"
LEAVE_LAB = "leave-lab"
RUN_TITLE = "run-title"

PER_CATEGORY = "per-category"
SCRAPE = "scrape"
SCRAPE_PLAN = "scrape-plan"
FETCH = "fetch"
FETCH_PLAN = "fetch-plan"
PURGE = "purge"
PURGE_MODAL = "purge-modal"
PURGE_SENTENCE = "purge-sentence"
PURGE_KEEP = "purge-keep"
PURGE_CONFIRM = "purge-confirm"

INTAKE = "intake"
INTAKE_RESULT = "intake-result"
UPLOAD = "upload"
UPLOAD_FOLDER = "upload-folder"  # page.js hands its files to UPLOAD
MAGNETS = "magnets"
MAGNETS_WAITING = "magnets-waiting"
FETCH_METADATA = "fetch-metadata"
PASTE = "paste"
ADD = "add"

JOB = "job"
JOB_TEXT = "job-text"
CANCEL = "cancel"
RESULT = "result"
RESULT_TEXT = "result-text"
RESULT_KEY = "result-key"  # store: which job's ending, and how it ended
RESULT_DISMISS = "result-dismiss"
DISMISSED = "dismissed"  # store kept by the browser: the ending the reader put away
NOTICE = "notice"
NOTICE_TEXT = "notice-text"
NOTICE_DISMISS = "notice-dismiss"

EMPTY = "empty"
TRY_LAB = "try-lab"
LAB_PROGRESS = "lab-progress"

FIGURES = "figures"
NUMBERS = "numbers"
MAP = "map"
MAP_NOTE = "map-note"
MAP_VIEW = "map-view"
VIEWPORT = "viewport"  # store: the map's whole zoom step, and the box that it shows when close
PLACE = "place"  # what is under the pointer, in words
HISTOGRAM = "histogram"
TOP = "top"
BINNING = "binning"
SHARES = "shares"
HIDDEN = "hidden"  # store: the countries whose marks are hidden
COUNTRY_PICKER = "country-picker"
CATEGORY_PICKER = "category-picker"
NARROWED = "narrowed"  # what the page is narrowed to, in words
COUNTRIES = "countries"
COUNTRY_ROWS = "country-rows"  # store: the table; assets/overview.js draws it
COUNTRIES_DRAWN = "countries-drawn"  # store: how many rows were drawn
ATTRIBUTION = "attribution"
