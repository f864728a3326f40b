/** The report's style sheet: the window's tokens in both themes, and paper. */

const DARK = `--bg:#0d1117;--surface:#141a22;--raised:#1a212b;--line:#2b3542;--text:#e6edf3;--muted:#98a6b6;--accent:#3fb6c6;--ipv4:#5aa2ff;--ipv6:#b18cff;--held:#f2b84b;--drop:#ff6b6b;--good:#4cc38a;--track:#232c38;--off:#66758a`;
const LIGHT = `--bg:#f4f6f8;--surface:#ffffff;--raised:#f7f9fb;--line:#d5dde5;--text:#17202b;--muted:#4a5866;--accent:#0b7285;--ipv4:#1a63d6;--ipv6:#7443d2;--held:#8f5a00;--drop:#c42525;--good:#1b7046;--track:#e6ebf0;--off:#7b8896`;

export const REPORT_STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:13px/1.5 Inter,system-ui,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1080px;margin:0 auto;padding:24px 24px 64px}
h1{font-size:22px;line-height:1.3;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:15px;margin:32px 0 8px}
h3{font-size:13px;margin:16px 0 4px}
p{margin:4px 0 8px}
.muted{color:var(--muted)}
.mono,td.n,pre,code{font-family:'JetBrains Mono',ui-monospace,monospace;font-size:12px}
.panel{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:12px 16px;margin:8px 0;overflow-x:auto}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(125px,1fr));gap:8px;margin:16px 0}
.figure{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:8px 12px}
.figure b{display:block;font:600 17px/1.4 'JetBrains Mono',ui-monospace,monospace}
table{border-collapse:collapse;width:100%}
table.narrow{width:auto;min-width:50%}
th{text-align:left;color:var(--muted);font-weight:500;border-bottom:1px solid var(--line);padding:4px 8px;vertical-align:bottom}
td{padding:3px 8px;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
tr:last-child td{border-bottom:0}
th.n,td.n{text-align:right;white-space:nowrap}
ul.findings{list-style:none;margin:0;padding:0}
ul.findings li{padding:6px 0 6px 28px;position:relative;border-bottom:1px solid var(--line)}
ul.findings li:last-child{border-bottom:0}
ul.findings .mark{position:absolute;left:4px;font-weight:700}
.bad,.drop{color:var(--drop)}.warn{color:var(--held)}.good{color:var(--good)}.note{color:var(--accent)}
.v4{color:var(--ipv4)}.v6{color:var(--ipv6)}
.advice{color:var(--muted)}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
svg{display:block;width:100%;height:auto}
svg.hbar{height:10px;min-width:80px;margin-top:5px}
svg text{fill:var(--muted);font:11px Inter,system-ui,sans-serif}
.area{fill:var(--accent);opacity:.35}.stroke{fill:none;stroke:var(--accent);stroke-width:1}
.bar{fill:var(--accent)}.bar.v4{fill:var(--ipv4)}.dropbar{fill:var(--drop)}.trackbar{fill:var(--track)}
.heldbar{fill:var(--held)}.offbar{fill:var(--off)}.v6bar{fill:var(--ipv6)}
.high{stroke:var(--held);stroke-dasharray:3 3;stroke-width:1}.axis{stroke:var(--line);stroke-width:1}
.rings{display:grid;grid-template-columns:max-content 1fr max-content;gap:4px 12px;align-items:center}
.rings>div{min-width:0;break-inside:avoid}
td code,.word{white-space:nowrap}
.right{text-align:right}
footer{margin-top:32px;color:var(--muted)}
@media print{
:root{color-scheme:light;${LIGHT};--bg:#ffffff}
@page{size:A4;margin:14mm}
body{font-size:10px}main{max-width:none;padding:0}
h2{break-after:avoid}.panel{break-inside:avoid;overflow:visible}.panel.long{break-inside:auto}tr,li,.figure{break-inside:avoid}
td,th{padding:2px 4px}pre,.mono,td.n,code{font-size:9px}
.area,.bar,.dropbar,.trackbar,.heldbar,.offbar,.v6bar{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
