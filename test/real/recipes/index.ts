import { alertmanager } from './alertmanager.ts'
import { buildbot } from './buildbot.ts'
import { icinga } from './icinga.ts'
import { nci } from './nci.ts'
import { ntfyByHttp } from './ntfy.ts'
import { requestTracker } from './request-tracker.ts'
import { trac } from './trac.ts'
import { victoriaMetrics } from './victoria-metrics.ts'

/** The pages of docs/http/ whose servers can be started here. */
export const recipes = [alertmanager, buildbot, icinga, nci, ntfyByHttp, requestTracker, trac, victoriaMetrics].map(
  (recipe) => ({ ...recipe, script: `${recipe.page}.sh` }),
)
