/**
 * The style of pages without scripts: the colors of the console, in light and dark. Without `light-dark()`, because the browser
 * of a mail client may be old.
 */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --surface: #fff; --sunken: #eef0ef; --line: #dde1e0; --edge: #7c8788; --text: #161b1d; --muted: #556063; --accent: #0a58b0; --pass: #0a6a3c; --fail: #b3231b; --fail-tint: #fce8e6; --running-tint: #e4eefb; }
@media (prefers-color-scheme: dark) { :root { --surface: #161b1e; --sunken: #1e2528; --line: #2a3236; --edge: #6d797e; --text: #e6ebec; --muted: #9ba7ac; --accent: #82baff; --pass: #62cf94; --fail: #ff968d; --fail-tint: #3c1b19; --running-tint: #17293f; } }
* { box-sizing: border-box; }
html { background: var(--surface); color: var(--text); }
body { margin: 0 auto; padding: 48px 16px; max-width: 640px; font: 16px/24px system-ui, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { margin: 0 0 20px; font-size: 24px; line-height: 32px; }
h2 { margin: 24px 0 8px; font-size: 16px; }
a { color: var(--accent); }
small { color: var(--muted); font-size: 14px; line-height: 20px; }
input, textarea { width: 100%; padding: 9px 12px; border: 1px solid var(--edge); border-radius: 6px; background: var(--surface); color: var(--text); font: inherit; }
button, .button { padding: 0 16px; min-height: 40px; border: 1px solid var(--edge); border-radius: 6px; background: var(--surface); color: var(--text); font: inherit; font-weight: 600; cursor: pointer; }
button:hover, .button:hover { background: var(--sunken); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 600px) { body { padding-top: 20px; } }
`
