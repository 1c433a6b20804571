/**
 * The effects of actions at a platform. `reversible`: a later call, or a person at the platform, can undo it. `irreversible`: nothing
 * can, or it is not known.
 */
export const ACTION_EFFECTS = ['reads', 'reversible', 'irreversible'] as const

export type ActionEffect = (typeof ACTION_EFFECTS)[number]
