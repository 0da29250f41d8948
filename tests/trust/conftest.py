"""The shop of the tests of deliveries, and the killer of the tests of crashes, serve here too."""

import sys
from pathlib import Path

for folder in ("crash", "delivery", "workflow"):
    sys.path.append(str(Path(__file__).parents[1] / folder))
