"""Names of the page's parts, for layout and callbacks alike; the stylesheet and tests know them."""

PROVIDER = "provider"
THEME = "theme"
SCHEME = "scheme"  # store: "light" or "dark", what the reader sees
SYSTEM_SCHEME = "system-scheme"  # store, set by page.js when the system changes
WINDOW_WIDTH = "window-width"  # store: px, as it was when the theme was chosen

CLOCK = "clock"
TICK = "tick"  # store: a clock's beat that page.js let through
NUDGE = "nudge"  # store: changes when a click changed something
PAUSED = "paused"
PAUSE = "pause"
LIVE = "live"
SEEN = "seen"  # store: the stamp of what the page shows
RUN_KEY = "run-key"  # store: the state of the run that is shown
WANTED_RUN = "wanted-run"  # store: None is the latest; for a run picker
DRAWN = "drawn"  # store: the scheme in which the charts were drawn

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
HISTOGRAM = "histogram"
TOP = "top"
BINNING = "binning"
HIDDEN = "hidden"  # store: the countries whose marks are hidden
COUNTRIES = "countries"
ATTRIBUTION = "attribution"
