"""A statement as one page to print or send: nothing is loaded from elsewhere and nothing runs."""

from collections.abc import Sequence
from html import escape

from controller.rewards.statements import Statement
from gridward.ledger_tables import period, statement_rows

_STYLE = """
body { font: 11pt/1.4 system-ui, sans-serif; color: #111; background: #fff; margin: 2rem auto;
  max-width: 76rem }
h1 { font-size: 1.4rem; margin: 0 }
p { margin: .3rem 0 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .5rem; text-align: right; border-bottom: 1px solid #ccc; vertical-align: top }
th:nth-child(-n+3), td:nth-child(-n+3) { text-align: left; overflow-wrap: anywhere }
th:first-child, td:first-child, th:nth-child(n+4), td:nth-child(n+4) { white-space: nowrap }
thead th { border-bottom: 2px solid #111 }
tr.balance td { font-weight: 600 }
footer { margin-top: 1rem; font-size: .85rem; color: #444 }
@page { size: A4 landscape; margin: 15mm }
@media print { body { margin: 0; max-width: none; font-size: 9pt } thead { display: table-header-group }
  tr { break-inside: avoid } }
"""
_NOTE = (
    "Verified kWh are what the meter shows to have been used less than before the request. Energy is rounded "
    "down to whole watt-hours, and what it earns down to whole points and the smallest coin."
)


def statement_page(statement: Statement) -> str:
    """A whole HTML document; every text in it is escaped."""
    header, opening, *lines, closing = statement_rows(statement)
    title = escape(f"Statement of {statement.customer}")
    body = [_row(opening, "balance"), *(_row(line) for line in lines), _row(closing, "balance")]
    rows = "\n".join(body)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>{escape(period(statement))}</p>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
<footer>{escape(_NOTE)} As of journal entry {statement.seq}.</footer>
</body>
</html>
"""


def _row(cells: Sequence[str], kind: str = "posting") -> str:
    return f'<tr class="{kind}">' + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
