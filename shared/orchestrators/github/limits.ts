const DAY_SECONDS = 86_400

/** A run that waits for a deployment fails after 30 days. */
export const MAX_DEPLOYMENT_SECONDS = 29 * DAY_SECONDS
/** GitHub marks a check run that is not completed after 14 days as stale. */
export const MAX_CHECK_SECONDS = 13 * DAY_SECONDS
/** GitHub takes ten comments for a deployment. One is for started, two are for the decision. */
export const MAX_PROGRESS = 7
/** GitHub closes the connection after ten seconds. A cold start and the network take some of them. */
export const MAX_RESPONSE_MS = 7_500
/** Refusals that mean that GitHub does not take an answer: no such run or commit, or not in its state. */
export const REFUSALS = [400, 404, 409, 410, 422]
/** After this many attempts, about a minute, a refusal means that GitHub no longer waits for the answer. */
export const MAX_REFUSED_ATTEMPTS = 5
