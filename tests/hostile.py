"""Three hundred texts that a careless renderer obeys instead of showing."""

BASES = r"""
x <b>bold</b>
<script>alert(1)</script>
<!--<script>
<img src=x onerror=alert(1)>
</table><h1>out</h1>
</script><script>alert(2)</script>
<svg/onload=alert(3)>
<style>*{display:none}</style>
&lt;b&gt; &amp; &#60; &copy;
[click](javascript:alert(4))
[click](https://elsewhere.example "t")
<javascript:alert(5)>
<https://elsewhere.example>
https://elsewhere.example/a_b_c
www.elsewhere.example
![x](https://elsewhere.example/x.png)
[x]: https://elsewhere.example
[^1]: note
x [@nokey]
@nokey says
-@nokey
@fig-model-outcome
@sec-control
[text]{.class #id key=value}
x $\frac{$
$$x^2$$
\(x\) \[y\]
$1 and $2
\begin{equation}
\input{/etc/passwd}
\newpage
{{< video https://elsewhere.example >}}
{{< include /etc/passwd >}}
{{< env HOME >}}
`{python} 1+1`
`{r} 1+1`
```{python}
`code`
``` raw
`<b>`{=html}
~~~
:::
::: {.callout-note}
:::::
#| label: fig-x
#| include: false
# heading
## heading {#sec-x}
#hash
+ item
- item
* item
1. item
(@) item
(a) item
> quote
| a | b |
|---|---|
a | b
a \| b
---  .
----------
===
***bold*** _it_ __b__
~~struck~~ H~2~O x^2^
"quoted" 'single' -- --- ...
a\
\\ \* \[ \`
%% comment
% title
---
title: x
...
<!-- needs: vintages -->
<!-- end -->
TITLE SUBTITLE
#let x = 1
#import "x.typ"
#{ read("/etc/passwd") }
<label> @ref
= heading
/ term: x
*bold* _emph_ $x$
#show: it => []
~nbsp
// comment
/* comment
=cmd|'/c calc'!A1
{"a": 1}
${HOME} $(id) `id`
%s %d {0} {x}
{{x}}
../../etc/passwd
a;b,c"d'e
None
nan
null
True
0
""".strip("\n").split("\n")

MARKS = [
    "red\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;https://elsewhere.example\x07link\x1b]8;;\x07",
    "\x9b31m",
    "bell\x07",
    "back\x08\x08\x08space",
    "nul\x00nul",
    "line\nbreak",
    "line\r\nbreak",
    "carriage\rreturn",
    "tab\tstop",
    "form\x0cfeed",
    "\u2028line\u2029paragraph",
    "abc\u202efdp.exe",
    "\u2066isolate\u2069",
    "zero\u200bwidth\u200djoin",
    "\ufeffmark",
    "nbsp\u00a0here",
    "soft\u00adhyphen",
    "\U000e0041tag",
    "\ufffe",
    "\ud7ff",
    "e\u0301 combining" + "\u0301" * 20,
    "中文（括号）《书》",
    "עברית العربية",
    "🙂👩‍👩‍👧",
    "long" * 100,
    "w i d e " * 60,
    "(" * 150,
    "[" * 150,
    "<" * 150,
    "$" * 150,
    "*" * 151,
    "_" * 151,
    "`" * 150,
    "\\" * 150,
    "{" * 150,
    "~" * 150,
]


def texts():
    """The three hundred: each as it is, before and after other words."""
    made = [*BASES, *MARKS]
    made += [f"car {text} loan" for text in BASES] + [f"{text}{text}" for text in BASES[:75]]
    return list(dict.fromkeys(made))[:300]
