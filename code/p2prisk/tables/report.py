"""The monthly report as a page, in Markdown or as one HTML file."""

from p2prisk.escape import POLICY, escaped
from p2prisk.tables.core import show


def monthly_page(report, html=False):
    """Write a monthly report out.

    Parameters
    ----------
    report : p2prisk.monitor.MonthlyReport
        What was computed.
    html : bool
        One self-contained HTML file instead of Markdown.

    Returns
    -------
    str
    """
    title = f"Monthly report, {report.month}"
    lead = "Every number on this page is simulated." if report.simulated else "Computed from the loan tape."
    alerts = report.alerts or ["Nothing needs a decision this month."]
    if html:
        parts = [
            f"<h1>{escaped(title, 'html')}</h1>",
            f"<p>{escaped(lead, 'html')}</p>",
            "<h2>Decisions</h2>",
            "<ul>" + "".join(f"<li>{escaped(text, 'html')}</li>" for text in alerts) + "</ul>",
        ]
        for heading, text, frame in report.sections:
            parts += [
                f"<h2>{escaped(heading, 'html')}</h2>",
                f"<p>{escaped(text, 'html')}</p>",
                frame.to_html(index=False, border=0, float_format=lambda value: f"{value:,.4f}"),
            ]
        parts += [f"<p><em>{escaped(note, 'html')}</em></p>" for note in report.notes]
        style = (
            "body{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
            "td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}"
        )
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{POLICY}'
            f"<title>{escaped(title, 'html')}</title>"
            f"<style>{style}</style></head><body>" + "\n".join(parts) + "</body></html>\n"
        )
    parts = [f"# {title}", "", lead, "", "## Decisions", "", *[f"- {text}" for text in alerts], ""]
    for heading, text, frame in report.sections:
        parts += [f"## {heading}", "", text, "", str(show(frame, digits=4, text=True)), ""]
    parts += [f"*{note}*\n" for note in report.notes]
    return "\n".join(parts)
