"""A version's quality in one number per task: what `log` and `status` show."""

from ovt.versions.headlines import headline, headlines

__all__ = ["headline", "headlines"]
