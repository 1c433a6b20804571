/** What a task keeps of its question: handed over by the action that asks, so that the other categories do without. */
export { referenceTo } from './signed-link.ts'
export { changeCallback, keepQuestion, noteDecision } from './store.ts'
