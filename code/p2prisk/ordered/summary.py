"""The printed summary, in the manner of statsmodels and on its table classes."""


def summarise(result, alpha=0.05):
    """Summary of a result.

    Parameters
    ----------
    result : OrderedResults
    alpha : float

    Returns
    -------
    statsmodels.iolib.summary.Summary
        With ``as_text()``, ``as_html()``, ``as_latex()``; shown as a table in notebooks.
    """
    from statsmodels.iolib.summary import Summary
    from statsmodels.iolib.table import SimpleTable
    from statsmodels.iolib.tableformatting import fmt_base, fmt_params

    kind = result.family.title.lower()
    left = [
        ("Response", result.endog_name),
        ("Model", kind if not result.nonparallel else f"{kind}, partial"),
        ("Method", result.method),
        ("Covariance", result.cov_type),
        ("Observations", f"{result.nobs:,.10g}"),  # sampling weights sum to the loans but for their last digits
        ("Rows", f"{result.n_rows:,}"),
        ("Rows dropped (missing)", f"{result.n_dropped:,}"),
        ("Df model", f"{result.df_model}"),
    ]
    none = None if result.is_ml else f"none ({'penalised' if result.penalty else 'bias-reduced'})"
    right = [
        ("Log-likelihood", f"{result.llf:.4f}"),
        ("LL null", f"{result.llnull:.4f}"),
        ("LLR p-value", none or f"{result.llr_pvalue:.4g}"),
        ("McFadden R2", f"{result.prsquared:.4f}"),
        ("Nagelkerke R2", f"{result.pseudo_rsquared('nagelkerke'):.4f}"),
        ("AIC", none or f"{result.aic:.2f}"),
        ("BIC", none or f"{result.bic:.2f}"),
        ("Correct digits", f"{result.digits:.1f}"),
    ]
    title = f"{result.family.title} Results"
    if result.penalty:
        title = f"Penalised {title} (ridge {result.penalty:g}: not maximum likelihood)"
    if result.estimator == "bias_reduced":
        title = f"Bias-reduced {title} (not maximum likelihood)"
    head = SimpleTable(
        [[f"{a}:", b, f"{c}:", d] for (a, b), (c, d) in zip(left, right, strict=True)],
        title=title,
        txt_fmt=dict(fmt_base, data_fmts=["%s"], data_aligns="lrlr", colsep="  ", row_dec_below=None),
    )
    intervals = result.conf_int(alpha)
    rows = [
        [f"{v:.{k}{kind}}" for v, k, kind in zip(values, (4, 3, 3, 3, 3, 3), "gggfgg", strict=True)]
        for values in zip(
            result.params,
            result.bse,
            result.zvalues,
            result.pvalues,
            intervals["lower"],
            intervals["upper"],
            strict=True,
        )
    ]
    columns = ["coef", "std err", "z", "P>|z|", f"[{alpha / 2:g}", f"{1 - alpha / 2:g}]"]
    table = SimpleTable(rows, columns, list(result.param_names), txt_fmt=fmt_params)
    summary = Summary()
    summary.tables = [head, table]
    notes = [
        f"{result.family.equation.format(y=result.endog_name)}: a positive coefficient moves a loan "
        "to a higher category."
    ]
    if result.penalty:
        notes.append(
            f"Ridge penalty {result.penalty:g} on slopes of columns of unit variance: standard errors "
            "and p-values are those of the penalised fit and do not count the shrinkage bias."
        )
    if result.estimator == "bias_reduced":
        notes.append(
            "Bias-reduced estimates (Firth 1993; Kosmidis 2014); standard errors from the expected information."
        )
    notes += result.notes
    if result.n_dropped:
        listed = ", ".join(f"{k} {v}" for k, v in result.dropped_by_column.items())
        notes.append(f"Rows dropped for missing values: {result.n_dropped} ({listed}).")
    if result.negative_probability_rows:
        notes.append(f"Some class has a negative probability in {result.negative_probability_rows} rows.")
    summary.add_extra_txt(notes)
    return summary
