"""The action plan: the team that the steps call for, who does what by when, and consent."""
