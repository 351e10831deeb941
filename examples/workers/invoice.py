"""A worker that adds up invoices, with sdk/python.

pip install ./sdk/python && HASTY_URL=http://localhost:8080 HASTY_TOKEN=... python3 examples/workers/invoice.py
"""

import os
import time

import hasty

worker = hasty.Worker(
    os.environ.get("HASTY_URL", "http://localhost:8080"), token=os.environ.get("HASTY_TOKEN"), concurrency=4
)


@worker.job("invoice")
def add_up(invoice, ctx):
    items = invoice["items"]
    if not items:
        raise hasty.Permanent(f"invoice {invoice['number']} has no items", code="no-items")
    total = 0
    for n, item in enumerate(items):
        ctx.check()  # Raises when the job was cancelled, its time is over or another worker has it.
        time.sleep(0.1)  # What takes time in a real worker.
        total += item["count"] * item["cents"]
        ctx.progress(100 * (n + 1) / len(items), item["text"])
    return {"number": invoice["number"], "total_cents": total}


worker.run()  # Until SIGTERM or Ctrl-C: what runs may end, the rest is handed back.
