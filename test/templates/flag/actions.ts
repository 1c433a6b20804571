import { setFlag, setFlags } from '../../../shared/shapes/flag.ts'

export const actions = {
  'set-flag': setFlag,
  'set-flags': setFlags,
}
