"""``python -m candlewick.demo``; see ``cli``."""

from candlewick.demo.cli import main

if __name__ == "__main__":
    main()
