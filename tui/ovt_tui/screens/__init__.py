"""One file per screen, and the panes a screen is made of."""
