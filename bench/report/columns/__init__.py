"""Columns of leaderboards. One file and one decorator each."""
