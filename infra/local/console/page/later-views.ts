/** The views that most visits do not need. Together in one script, which is loaded when one of them is first shown. */
export { Alerts } from './alerts.tsx'
export { CommandLine } from './cli.tsx'
export { Sandbox } from './sandbox.tsx'
export { Send } from './send.tsx'
export { Sequences } from './sequences.tsx'
