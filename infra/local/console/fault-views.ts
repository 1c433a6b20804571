import type { FaultKind } from '../../platforms/sandbox/faults.ts'
import { targets } from '../../platforms/sandbox/http.ts'

/** What each fault does, as a switch says it. */
const kinds: Record<FaultKind, string> = {
  slow: 'Answers after a while',
  '500': 'Answers 500',
  '503': 'Answers 503',
  '429': 'Too many requests',
  hang: 'Takes the call, and never answers',
  reset: 'Resets the connection',
  '401': 'Does not know the credentials',
  html: 'Answers 500 with a web page',
  'secondary-limit': "GitHub's 403 with retry-after",
  truncate: 'Breaks off in the middle of its answer',
  'wrong-json': 'Answers another JSON',
  empty: 'Answers 200 with nothing',
  'no-id': 'Does it, and answers an empty object',
  redirect: 'Redirects to another host',
  huge: 'Answers without an end',
  echo: 'Answers 500, and tells back what was sent',
}

/** Whom a fault can hit, and what can go wrong; `/sandbox/faults` switches them. */
export function faultViews() {
  return { targets, kinds: Object.entries(kinds).map(([kind, text]) => ({ kind, text })) }
}
