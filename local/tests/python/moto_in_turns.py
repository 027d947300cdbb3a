"""Serves moto, an SQS and S3 that nobody here wrote: `python moto_in_turns.py -p PORT`.

A queue of moto is a list that a delete copies and puts back without a lock: a message that is sent meanwhile is lost, one that
is deleted meanwhile comes back. So its threads take turns only where they wait for something.
"""

import sys

from moto.server import main

sys.setswitchinterval(60)
main(sys.argv[1:])
