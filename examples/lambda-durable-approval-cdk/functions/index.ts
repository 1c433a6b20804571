import { ciCd, notification } from 'cloud-automation-webhooks/categories'

/** Each category becomes a webhook and a durable function. */
export const categories = [ciCd, notification]
