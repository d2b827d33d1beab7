"""The style of the report for browsers: light and dark, phone and print, no font and no picture from elsewhere."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--panel:#f4f6f8;--text:#1b1f24;--muted:#525b66;--line:#c9d0d8;--rail:#8b95a1;
--critical:#b42318;--warn:#855000;--security:#6b3fa0;--info:#0b57a4;--good:#0f6b3a;--mark:#ffe2a8;--marktext:#3b2300;
--band:#d7ebf7;--link:#0b57a4}
@media (prefers-color-scheme:dark){:root{--bg:#14171c;--panel:#1d2229;--text:#e6e8eb;--muted:#aab4bf;--line:#3a424c;
--rail:#76818d;--critical:#ff9a8f;--warn:#f2c063;--security:#cfb0ff;--info:#8ec2ff;--good:#7fd6a1;--mark:#5b4310;
--marktext:#ffe9bd;--band:#173445;--link:#8ec2ff}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--bg);color:var(--text);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 .6rem}
h2{font-size:1.3rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
h3{font-size:1.08rem;margin:0 0 .4rem}
h4{font-size:1rem;margin:1rem 0 .3rem}
p{margin:.4rem 0}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
small,.muted{color:var(--muted);font-size:.9rem}
.verdict{font-size:1.15rem;font-weight:600;padding:.8rem 1rem;border-left:.4rem solid var(--good);
background:var(--panel)}
.verdict.critical{border-color:var(--critical)}.verdict.warn{border-color:var(--warn)}
.verdict.security{border-color:var(--security)}
article{background:var(--panel);border-left:.4rem solid var(--line);padding:.8rem 1rem;margin:0 0 1rem}
article.critical{border-color:var(--critical)}article.warn{border-color:var(--warn)}
article.security{border-color:var(--security)}article.info{border-color:var(--info)}
.word{font-weight:700;text-transform:uppercase;font-size:.85rem;letter-spacing:.03em;margin-right:.4rem}
.word.critical{color:var(--critical)}.word.warn{color:var(--warn)}
.word.security{color:var(--security)}.word.info{color:var(--info)}
pre,code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{background:var(--bg);border:1px solid var(--line);padding:.5rem .7rem;margin:.4rem 0;white-space:pre-wrap;
overflow-wrap:anywhere}
ul.evidence{list-style:none;margin:.4rem 0;padding:0}
ul.evidence li{margin:.2rem 0}
ul.evidence code{background:var(--bg);border:1px solid var(--line);padding:0 .3rem}
.scroll{overflow-x:auto;max-width:100%;border:1px solid var(--line);background:var(--bg)}
table{border-collapse:collapse;width:100%;font-size:.93rem;overflow-wrap:normal}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--muted);white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
summary{cursor:pointer;padding:.25rem 0}
section.call{margin:0 0 2rem}
.msg{display:none;border:2px solid var(--link);padding:.6rem .8rem;margin:.6rem 0;background:var(--panel)}
.msg:target{display:block}
.msg pre{counter-reset:line}
.msg .l{display:block;padding-left:3.2rem;text-indent:-3.2rem}
.msg .l::before{counter-increment:line;content:counter(line);display:inline-block;width:2.4rem;margin-right:.8rem;
text-align:right;text-indent:0;color:var(--muted)}
.msg mark{background:var(--mark);color:var(--marktext);font-weight:600}
.msg mark::before{color:inherit!important}
svg{display:block;color:var(--text)}
svg text{fill:currentColor;font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
svg .head{font-weight:700}
svg .soft{fill:var(--muted)}
svg .rail{stroke:var(--rail);stroke-dasharray:2 4}
svg .arrow{stroke:currentColor;stroke-width:1.5}
svg .tip{fill:currentColor}
svg .again{stroke-dasharray:6 4}
svg .band{fill:var(--band);stroke:var(--rail)}
svg a{color:var(--text)}
svg a:hover text{text-decoration:underline}
svg .hit{fill:transparent}
svg .critical{color:var(--critical)}svg .warn{color:var(--warn)}svg .security{color:var(--security)}
svg .info{color:var(--info)}
svg .fault .arrow{stroke-width:3}svg .fault text{font-weight:700}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:.8rem}
.charts figure{margin:0}
.charts svg{width:100%;height:auto;background:var(--bg);border:1px solid var(--line)}
figcaption{font-size:.9rem;color:var(--muted)}
svg .bar{fill:var(--critical)}svg .curve{fill:none;stroke:var(--info);stroke-width:1.5}
svg .grid{stroke:var(--line)}
.onlyprint{display:none}
.systems{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem}.systems details[open]{flex-basis:100%}
@media (max-width:40rem){body{padding:.7rem}article{padding:.6rem .7rem}h1{font-size:1.35rem}
td,th{white-space:nowrap;padding:.3rem .4rem}table{font-size:.85rem}.scroll svg{zoom:.85}
.charts{grid-template-columns:1fr}}
@media print{:root{--bg:#fff;--panel:#fff;--text:#000;--muted:#444;--line:#bbb;--rail:#888;--critical:#a31b10;
--warn:#7a4900;--security:#5a328a;--info:#0b4d91;--mark:#ffe2a8;--marktext:#000;--band:#e4f1f9;--link:#000;
color-scheme:light}
body{max-width:none;font-size:11pt}article,tr,.charts figure{break-inside:avoid}
.msg.fault,.onlyprint{display:block}.noprint,.systems{display:none}.scroll{overflow:visible;border:0}
.scroll svg{max-width:100%;height:auto;zoom:1}table{font-size:9pt}td,th{padding:.2rem .35rem}
details::details-content{content-visibility:visible;block-size:auto}}
"""
