import { setFlag, setFlags } from '../../../shared/providers/set-flags.ts'

export const actions = {
  'set-flag': setFlag,
  'set-flags': setFlags,
}
