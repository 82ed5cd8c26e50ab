"""Results of loan files that are not part of the project, frozen in data/replication and recomputed where they are."""

from p2pbook.replications.store import Replication, came_out_again, recomputed, replication, stamped

__all__ = ["Replication", "came_out_again", "recomputed", "replication", "stamped"]
