// Starts `lab lsp` for .lab files. Everything that is known of the language is known there.

const fs = require("fs");
const path = require("path");
const { commands, window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

/** The setting, else the environment of an open folder, else whatever the search path has. */
function findLab() {
  const chosen = workspace.getConfiguration("lab").get("command");
  if (chosen) return chosen;
  const inside = process.platform === "win32" ? ["Scripts", "lab.exe"] : ["bin", "lab"];
  for (const folder of workspace.workspaceFolders ?? []) {
    const candidate = path.join(folder.uri.fsPath, ".venv", ...inside);
    if (fs.existsSync(candidate)) return candidate;
  }
  return "lab";
}

async function start() {
  const command = findLab();
  client = new LanguageClient(
    "lab",
    "lab",
    { command, args: ["lsp"] },
    { documentSelector: [{ language: "lab" }] },
  );
  try {
    await client.start();
  } catch (problem) {
    window.showErrorMessage(
      `lab: \`${command} lsp\` does not start (${problem.message}). ` +
        "Install lab-studies, or set `lab.command`.",
    );
  }
}

async function stop() {
  const stopping = client;
  client = undefined;
  if (stopping) await stopping.stop();
}

async function activate(context) {
  const restart = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(commands.registerCommand("lab.restart", restart));
  await start();
}

module.exports = { activate, deactivate: stop };
