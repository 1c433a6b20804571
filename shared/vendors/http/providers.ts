import type { EvaluationProvider } from '../../providers/evaluation/provider.ts'
import type { FlagProvider } from '../../providers/flag.ts'
import type { JobProvider } from '../../providers/job.ts'
import type { MessageProvider } from '../../providers/message.ts'
import type { TicketProvider } from '../../providers/ticket.ts'
import { httpEvaluation as evaluation } from './evaluation.ts'
import { httpFlag as flag } from './flag.ts'
import { httpJob as job } from './job.ts'
import { httpMessage as message } from './message.ts'
import { httpTicket as ticket } from './ticket.ts'

// The package exports them by their kinds, because their own types have a thousand lines.

/** Evaluates with any HTTP API. The connection describes the requests and their responses. */
export const httpEvaluation: EvaluationProvider = evaluation
/** Reads and sets flags with any HTTP API. The connection describes the requests and their responses. */
export const httpFlag: FlagProvider = flag
/** Runs jobs with any HTTP API. The connection describes the requests and their responses. */
export const httpJob: JobProvider = job
/** Posts messages with any HTTP API. The connection describes the requests and their responses. */
export const httpMessage: MessageProvider = message
/** Opens, changes and closes tickets with any HTTP API. The connection describes the requests and their responses. */
export const httpTicket: TicketProvider = ticket
