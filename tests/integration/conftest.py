"""What several rooms' tests share: one platform with a prepared database for the whole run."""

from tests.integration.prepared import prepared

__all__ = ["prepared"]
