"""Results of commands as one HTML page each: no script, no network."""

import base64
import html
import io
import numbers

from p2prisk.escape import POLICY, escaped, visible

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;margin:1rem 0;font-size:.92rem}th,td{padding:.25rem .6rem;border-bottom:1px solid #ccc;
text-align:left;vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.error{color:#a00000;font-weight:600}.warning{color:#7a4a00;font-weight:600}.note{color:#444}
.wide{overflow-x:auto}img{max-width:100%;height:auto}code{overflow-wrap:anywhere}
"""


def quality_page(report):
    """Write a quality report as HTML.

    Parameters
    ----------
    report : QualityReport

    Returns
    -------
    str
    """
    p = report.provenance
    title = escaped(str(p.get("title") or p.get("name") or "loan tape"), "html")
    facts = [
        ("file", p.get("path")),
        ("SHA-256", p.get("sha256")),
        ("format", p.get("format")),
        ("encoding", p.get("encoding")),
        ("period", p.get("period")),
        (
            "record date",
            str(p["record_date"]) + (" (inferred: latest date in the tape)" if p.get("record_date_inferred") else "")
            if p.get("record_date")
            else None,
        ),
        ("rows read", f"{report.rows_read:,d}"),
        ("rows kept", f"{report.rows_kept:,d}"),
        ("rows set aside", f"{report.rows_read - report.rows_kept:,d}"),
    ]
    verdict = (
        "No error was found."
        if report.passed
        else f"{report.count('error')} finding(s) would make a number of the study wrong."
    )
    findings = "".join(
        f'<tr><td class="{row.level}">{row.level}</td><td>{escaped(row.column, "html")}</td>'
        f"<td>{escaped(row.what, 'html')}</td>"
        f'<td class="n">{format(row.rows, ",d") if row.rows else ""}</td><td>{escaped(row.remedy, "html")}</td></tr>'
        for row in report.findings.itertuples()
    )
    aside = "".join(
        f'<tr><td>{escaped(row.reason, "html")}</td><td class="n">{row.rows:,d}</td>'
        f"<td>{escaped(row.lines, 'html')}</td></tr>"
        for row in report.set_aside.itertuples()
    )
    columns = "".join(
        f"<tr><td>{escaped(row.column, 'html')}</td><td>{row.known}</td><td>{row.block}</td>"
        f'<td class="n">{row.missing:,d}</td><td class="n">{row.missing_share:.1%}</td>'
        f'<td class="n">{row.outside:,d}</td>'
        f'<td class="n">{row.distinct:,d}</td><td class="n">{escaped(row.lowest, "html")}</td>'
        f'<td class="n">{escaped(row.middle, "html")}</td>'
        f'<td class="n">{escaped(row.highest, "html")}</td></tr>'
        for row in report.columns.itertuples()
    )
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{POLICY}<title>Quality of {title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>',
        f"<h1>Quality of {title}</h1><p>{escaped(verdict, 'html')} {report.count('warning')} warning(s), "
        f"{report.count('note')} note(s).</p>",
        "<table>"
        + "".join(
            f"<tr><th scope=row>{name}</th><td><code>{escaped(str(value), 'html')}</code></td></tr>"
            for name, value in facts
            if value
        )
        + "</table>",
        '<h2>Findings</h2><div class="wide"><table><tr><th>level<th>column<th>what<th class="n">rows<th>remedy</tr>'
        + findings
        + "</table></div>"
        if findings
        else "<h2>Findings</h2><p>None.</p>",
        '<h2>Set aside</h2><table><tr><th>reason<th class="n">rows<th>lines</tr>' + aside + "</table>" if aside else "",
        f"<h2>Missing values</h2>"
        f'<img alt="Grid of the share of loans with a missing value, by column and year of issue" '
        f'src="data:image/png;base64,{_picture(report)}">',
        '<h2>Columns</h2><div class="wide"><table><tr><th>column<th>known<th>block'
        '<th class="n">missing<th class="n">share'
        '<th class="n">outside range<th class="n">distinct<th class="n">lowest<th class="n">middle<th class="n">highest'
        "</tr>" + columns + "</table></div></body></html>",
    ]
    return "\n".join(part for part in parts if part)


def tables_page(title, sections):
    """Write headings, sentences and tables as HTML.

    Parameters
    ----------
    title : str
    sections : list of (str, list of str, pandas.DataFrame or None)
        Heading, sentences, table.

    Returns
    -------
    str
    """
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{POLICY}<title>{escaped(title, "html")}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>',
        f"<h1>{escaped(title, 'html')}</h1>",
    ]
    for heading, sentences, table in sections:
        parts.append(f"<h2>{escaped(heading, 'html')}</h2>")
        parts += [f"<p>{html.escape(visible(sentence, 2000))}</p>" for sentence in sentences]
        if table is not None and len(table):
            head = "".join(f"<th>{escaped(name, 'html')}" for name in table.columns)
            rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.itertuples(index=False, name=None))
            parts.append(f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>')
    return "\n".join([*parts, "</body></html>"])


def _cell(value):
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, numbers.Real):
        text = "" if value != value else f"{value:,d}" if isinstance(value, numbers.Integral) else f"{value:,.4g}"
        return f'<td class="n">{text}</td>'
    return f"<td>{escaped(value, 'html')}</td>"


def _picture(report):
    import matplotlib

    matplotlib.rcdefaults()  # not what a matplotlibrc in the working directory says
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from p2prisk.figures.tape import missingness

    axes = missingness(report.missing)
    stream = io.BytesIO()
    axes.figure.savefig(stream, format="png", dpi=110, bbox_inches="tight")
    plt.close(axes.figure)
    return base64.b64encode(stream.getvalue()).decode()
