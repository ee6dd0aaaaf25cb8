"""What people and programs reach over HTTP: the gateway, scoring, and the page to look at runs."""
