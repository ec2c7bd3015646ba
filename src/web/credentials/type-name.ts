import { NewCredential } from '../../credentials/contract.ts'

/** Whether the name is valid for an n8n credential type. */
export const isTypeName = (type: string): boolean => NewCredential.shape.type.safeParse(type).success
