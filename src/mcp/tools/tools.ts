/** @module All tools. Together, their descriptions have at most 1,500 tokens. */
import type { Tool } from '../tool.ts'
import { deploy, planDeployment } from './deployments.ts'
import { editWorkflow } from './edits.ts'
import { findNodes, nodeShape } from './nodes.ts'
import { runs } from './runs.ts'
import { checkWorkflow, readWorkflow, saveWorkflow, searchWorkflows } from './workflows.ts'

export const tools: readonly Tool[] = [
  findNodes,
  nodeShape,
  checkWorkflow,
  searchWorkflows,
  readWorkflow,
  saveWorkflow,
  editWorkflow,
  planDeployment,
  deploy,
  runs,
]
