import type { Composed, End } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'guestbook#0a1b2c3d4e5f',
  body: { application: 'guestbook', namespace: 'argocd', phase: 'Succeeded' },
}

export const composed: Composed[] = [
  [
    'argo-cd',
    { application: 'shop', namespace: 'argocd', phase: 'Running' },
    ['progress', 'Running', 'shop', 'argocd/shop'],
  ],
  [
    'argo-cd',
    { application: 'shop', phase: 'Succeeded', health: 'Progressing' },
    ['progress', 'Succeeded/Progressing', 'shop'],
  ],
  ['argo-cd', { application: 'shop', phase: 'Succeeded', health: 'Healthy' }, ['ended', 'Succeeded/Healthy', 'shop']],
  ['argo-cd', { application: 'shop', phase: 'Failed', health: 'Degraded' }, ['ended', 'Failed/Degraded', 'shop']],
]
