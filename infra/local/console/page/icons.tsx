import type { JSX } from 'preact'

const stroke = { fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6' } as const
const thick = { ...stroke, 'stroke-width': '2.2' } as const
const hole = { fill: 'none', stroke: 'var(--hole)', 'stroke-width': '1.8' } as const
const light = { fill: 'none', stroke: 'var(--on-ink)', 'stroke-width': '1.4' } as const

/** Symbols on a grid of 16. Each verdict has a symbol of its own, because color alone is not enough. */
const symbols: Record<string, JSX.Element> = {
  logo: (
    <>
      <rect width="16" height="16" rx="3" fill="var(--ink)" />
      <path d="M3 5.5h7.5M8.2 3.2l2.3 2.3-2.3 2.3M13 10.5H5.5m2.3-2.3-2.3 2.3 2.3 2.3" {...light} />
    </>
  ),
  pass: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="M4.7 8.3 7 10.5l4.3-4.8" {...hole} />
    </>
  ),
  fail: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="m5.3 5.3 5.4 5.4m0-5.4-5.4 5.4" {...hole} />
    </>
  ),
  errored: (
    <>
      <path d="M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2z" fill="currentColor" />
      <path d="M8 4.2v4.6m0 1.7v1.7" {...hole} />
    </>
  ),
  warning: (
    <>
      <path d="M8 1.2 15.3 14.5H.7z" fill="currentColor" />
      <path d="M8 6v4m0 1.2v1.6" {...hole} />
    </>
  ),
  aborted: (
    <>
      <circle cx="8" cy="8" r="6.2" {...stroke} />
      <path d="m3.8 12.2 8.4-8.4" {...stroke} />
    </>
  ),
  refused: (
    <>
      <circle cx="8" cy="8" r="6.2" {...stroke} />
      <path d="M4.8 8h6.4" {...stroke} />
    </>
  ),
  running: (
    <>
      <circle cx="8" cy="8" r="6" {...thick} opacity="0.25" />
      <path d="M8 2a6 6 0 0 1 6 6" {...thick} />
    </>
  ),
  retrying: <path d="M13.5 8A5.5 5.5 0 1 1 11.7 4M12.2 1v3.2H9" {...stroke} />,
  waiting: <path d="M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zm-6 7a6 6 0 0 1 12 0z" fill="currentColor" />,
  asking: <path d="M8 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zm-5.2 6.7a5.2 5.2 0 0 1 10.4 0z" {...stroke} />,
  search: <path d="M11.3 11.3 15 15M7 11.6a4.6 4.6 0 1 0 0-9.2 4.6 4.6 0 0 0 0 9.2z" {...stroke} />,
  right: <path d="m6 3.5 4.5 4.5L6 12.5" {...stroke} />,
  down: <path d="M3.5 6 8 10.5 12.5 6" {...stroke} />,
  close: <path d="m4 4 8 8m0-8-8 8" {...stroke} />,
  play: <path d="M4 2.5v11l9-5.5z" fill="currentColor" />,
  pause: <path d="M5.5 3v10m5-10v10" {...thick} />,
  theme: (
    <>
      <circle cx="8" cy="8" r="6" {...stroke} />
      <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
    </>
  ),
  list: <path d="M2 4h12M2 8h12M2 12h12" {...stroke} />,
  chart: <path d="M3 14V8m5 6V3m5 11V6" {...thick} />,
  shield: <path d="M8 1.5 13.5 4v4c0 3-2.2 5.3-5.5 6.5C4.7 13.3 2.5 11 2.5 8V4z" {...stroke} />,
  bell: <path d="M3 11.5h10L11.8 10V6.5a3.8 3.8 0 0 0-7.6 0V10zM6.5 14h3" {...stroke} />,
  track: (
    <>
      <path d="M1 8h14" {...stroke} />
      <circle cx="4" cy="8" r="2.4" fill="currentColor" />
      <circle cx="12" cy="8" r="2.4" fill="currentColor" />
    </>
  ),
  send: <path d="M2 8h11M9 4l4 4-4 4" {...stroke} />,
  box: <path d="M2 2h5v5H2zm7 0h5v5H9zM2 9h5v5H2zm7 0h5v5H9z" fill="currentColor" />,
}

export function Icon({ name }: { name: string }) {
  return (
    <svg class="i" viewBox="0 0 16 16" aria-hidden="true">
      {symbols[name]}
    </svg>
  )
}
