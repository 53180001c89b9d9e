// kubectl-reprise: a plugin of kubectl, one subcommand a file.
#include <iostream>

#include "cli/replay_command.h"

int main(int argc, char** argv) {
  CLI::App app{"Reprise: models that come back with their data", "kubectl-reprise"};
  app.require_subcommand(1);
  reprise::cli::Action chosen;
  reprise::cli::addReplay(app, chosen);
  CLI11_PARSE(app, argc, argv);
  return chosen ? chosen() : 2;
}
