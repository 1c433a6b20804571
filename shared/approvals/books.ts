/** What a task keeps of its question: handed over by the action that asks, so that the other categories do without. */
export { referenceTo } from './reference.ts'
export { changeCallback, keepQuestion, noteDecision } from './store.ts'
