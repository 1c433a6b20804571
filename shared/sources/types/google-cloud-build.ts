import * as z from 'zod/mini'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'

/** @see https://cloud.google.com/build/docs/subscribe-build-notifications */
export const googleCloudBuild = defineSourceType({
  title: 'Google Cloud Build',
  publishedKeys: 'google',
  // `data` has the build with its substitutions, which may be secret. The attributes are enough.
  body: z.object({
    message: z.object({ messageId: eventId, attributes: z.object({ buildId: eventId, status: eventWord }) }),
  }),
  read({ message: { messageId, attributes } }) {
    return {
      event: attributes.status,
      runs: [attributes.buildId],
      ended: !['QUEUED', 'WORKING', 'PENDING'].includes(attributes.status),
      delivery: messageId,
    }
  },
  setup: [
    'Create the topic to which Cloud Build publishes: gcloud pubsub topics create cloud-builds',
    `Create a push subscription. The secret has the same service account and audience:
gcloud pubsub subscriptions create webhooks --topic=cloud-builds --push-endpoint={url} \\
  --push-auth-service-account=<name>@<project>.iam.gserviceaccount.com --push-auth-token-audience={url} \\
  --ack-deadline=10 --min-retry-delay=10s --max-retry-delay=600s`,
  ],
  unverified: 'the settings and the body',
})
