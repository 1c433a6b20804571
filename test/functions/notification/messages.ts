import type { Message } from '../../../shared/providers/message.ts'

/** An evaluation that uses every part of a message. */
export const evaluation: Message = {
  mood: 'warning',
  title: 'Evaluation of checkout in production: warning',
  text: 'The release is slower than the last one.\n\nThe release may continue.',
  fields: [
    { name: 'Project', value: 'shop' },
    { name: 'Score', value: '75 of 100' },
  ],
  table: {
    columns: ['Objective', 'Value', 'Target'],
    rows: [
      { mood: 'good', cells: ['error_rate', '0.1 %', '<= 1 %'] },
      { mood: 'bad', cells: ['response_time_p95', '812 ms', '<= 400 ms'] },
    ],
  },
  links: [
    { label: 'Bridge', url: 'https://keptn.example.com/bridge/project/shop?x=1&y=(2)' },
    { label: 'Dashboard', url: 'https://dashboards.example.com/d/1' },
  ],
}

const token = `${'a1'.repeat(20)}.s3cr3t.${'0f'.repeat(32)}`
const url = `https://webhooks.example.com/v1/notification/approvals/${token}`

/** An open approval. */
export const question: Message = {
  mood: 'waiting',
  title: 'Approve release of checkout in shop/production?',
  fields: [{ name: 'Decide until', value: '2026-12-01 12:00 UTC' }],
  links: [{ label: 'Bridge', url: 'https://keptn.example.com/bridge' }],
  buttons: [
    { decision: 'approve', label: 'Approve', token, url },
    { decision: 'reject', label: 'Reject', token, url },
  ],
}

/** The same approval after the decision. */
export const decided: Message = { ...question, mood: 'good', text: 'Approved by Jane Doe', buttons: undefined }

/** Texts that try to mention, link, format or break a message. */
export const hostile = [
  '@all @channel @here @jane &#64;all &commat;channel',
  '<!channel> <!here> <@U012AB3CD> <https://evil.example|bank>',
  ':tada: ~town-square #incident $x^2$ ;) <3',
  '[your bank](https://evil.example) ![](https://evil.example/pixel.png) <https://evil.example>',
  'https://evil.example www.evil.example www.1evil.example evil.example/login jane@evil.example',
  '# heading\n\n- list\n\n1. list\n\n> quote\n\n---\n\ntitle\n===\n\n    code\n\n```\nfence',
  '| a | b |\n| --- | --- |\n| c | d |',
  '**bold** __bold__ _italic_ ~~gone~~ `code` \\*not\\* <b>html</b> <script>alert(1)</script> &lt;',
  '[r]: https://evil.example\n\n[r]',
  '\u2424- list\n\u00a0\u00a0\u00a0\u00a0code',
  'user \u202egnp.exe \u2066left\u2069 \u0000\u0007\u001b[31mred',
  '\ud83d half a character, \ufffe none',
  '😀'.repeat(200),
  'x'.repeat(100_000),
  '"'.repeat(50_000),
  '\n'.repeat(1_000),
  '',
  ' ',
]
