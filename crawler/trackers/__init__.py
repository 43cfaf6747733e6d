"""Asking trackers who shares a torrent, over HTTP and UDP.

`asking.ask_trackers` is the door. Codecs, addresses and batches are pure; the two askers move
bytes. Counts stay with the tracker that told them: nothing here adds them up.
"""
