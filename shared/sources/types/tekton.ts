import * as z from 'zod/mini'
import { defineSourceType, requireHeader } from '../source-type.ts'

function configWith(sink: string): string {
  return `Set in the ConfigMap config-events of the namespace tekton-pipelines, which has one sink for the cluster:
data:
  formats: tektonv1
  sink: "${sink}"`
}

/** @see https://tekton.dev/docs/pipelines/events/ */
export const tekton = defineSourceType({
  title: 'Tekton',
  token: ['query'],
  basic: true,
  deliveryHeader: 'ce-id',
  // The body is the complete run, whose parameters may be secret. The headers are enough.
  body: z.object({}),
  read(_body, headers) {
    const event = requireHeader(headers, 'ce-type')
    const [, phase] = /^dev\.tekton\.event\.pipelinerun\.([a-z]+)\./.exec(event) ?? []
    return {
      event,
      runs: [phase === undefined ? undefined : requireHeader(headers, 'ce-subject')],
      ended: phase === 'successful' || phase === 'failed',
    }
  },
  setup: [
    {
      token: configWith('{url}?token={secret}'),
      password: configWith('{loginUrl}'),
    },
    'The Deployment tekton-events-controller must run.',
  ],
})
