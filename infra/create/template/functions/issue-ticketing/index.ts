import { extendCategory } from 'cloud-automation-webhooks'
import { issueTicketing as shipped } from 'cloud-automation-webhooks/categories'

/** The included category with a provider of this application. */
export const issueTicketing = extendCategory(shipped, {
  providers: {
    acme: async () => (await import('./providers/acme.ts')).acme,
  },
})
