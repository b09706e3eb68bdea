"""The pages, a file each; a new file with a ``router`` is a new page. How one is made: `frame.py`."""
