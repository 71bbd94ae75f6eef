import sys

from blogapp import create_app

# `flask backup` must not create the database that it is to back up: its settings may not be those of the server.
app = create_app(must_exist=sys.argv[1:2] == ["backup"])
