"""One module per command; the file's name is the command's name, its `command` the click command."""
