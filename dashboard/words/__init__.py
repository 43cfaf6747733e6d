"""Every sentence of the page: a module for each page, and all of their names here. Pure."""

from dashboard.words.intake import *  # noqa: F403
from dashboard.words.jobs import *  # noqa: F403
from dashboard.words.methods import *  # noqa: F403
from dashboard.words.overview import *  # noqa: F403
from dashboard.words.runs import *  # noqa: F403
from dashboard.words.shell import *  # noqa: F403
from dashboard.words.swarms import *  # noqa: F403
from dashboard.words.writing import *  # noqa: F403
