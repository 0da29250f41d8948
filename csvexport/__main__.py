"""`python -m csvexport`."""

from csvexport.cli import main

main()
