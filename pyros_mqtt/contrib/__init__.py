"""What joins the library to other frameworks, each behind an extra of its own."""
