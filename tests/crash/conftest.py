"""The servers of the tests of deliveries serve here, too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "delivery"))
