"""The rules that keep people and hardware safe; pure, so that each is tested at its edges."""
