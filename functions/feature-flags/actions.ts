import { setFlag, setFlags } from '../../shared/providers/flag.ts'

export const actions = {
  'set-flag': setFlag,
  'set-flags': setFlags,
}
