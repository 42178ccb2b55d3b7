// Measures hnswlib on a data set of `quarry bench engine data`, one thread.
//
//   hnsw DIR build M EFC INDEX           build, save, print processor time
//   hnsw DIR search INDEX FILTER EF...   recall@10 and queries per CPU-second
//
// FILTER is -1 for none, else the bit of filters.u16. Filtered rows are found
// as hnswlib 0.6 finds what is not deleted: rows that do not pass are marked
// deleted, so the search walks through them and never returns them. That is
// what the filter functor of later versions does, without its call.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../dataset.h"
#include "hnswlib/hnswlib.h"

namespace {

using namespace peers;

using Index = hnswlib::HierarchicalNSW<float>;

void build(const std::string& dir, int m, int efc, const std::string& file) {
  Matrix base(dir + "/base.fbin");
  long before = residentBytes();
  hnswlib::InnerProductSpace space(base.dim);
  double began = cpuSeconds();
  Index index(&space, base.rows, m, efc);
  for (uint32_t i = 0; i < base.rows; i++) {
    index.addPoint(base.row(i), i);
    if ((i + 1) % 100000 == 0) {
      fprintf(stderr, "%u rows, %.0f CPU-s\n", i + 1, cpuSeconds() - began);
    }
  }
  double took = cpuSeconds() - began;
  char line[200];
  snprintf(line, sizeof line, "build M=%d efc=%d rows=%u cpu_s=%.1f bytes_per_vector=%.0f\n", m, efc, base.rows, took,
           double(residentBytes() - before) / base.rows);
  fputs(line, stdout);
  index.saveIndex(file);
  std::ofstream(file + ".txt") << line;
}

// search measures each ef.
void search(const std::string& dir, const std::string& file, int filter, const std::vector<int>& efs) {
  Matrix queries(dir + "/queries.fbin");
  auto truth = readTruth(dir, queries);
  hnswlib::InnerProductSpace space(queries.dim);
  Index index(&space, file);
  if (filter >= 0) {
    auto masks = readList<uint16_t>(dir + "/filters.u16", index.cur_element_count);
    for (size_t i = 0; i < masks.size(); i++) {
      if (!(masks[i] >> filter & 1)) index.markDelete(i);
    }
  }
  for (int ef : efs) {
    index.setEf(ef);
    measure(queries, truth, filter, ef, [&](const float* query) {
      std::vector<int64_t> rows;
      auto result = index.searchKnn(query, kNeighbors);
      for (; !result.empty(); result.pop()) rows.push_back(result.top().second);
      return rows;
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::string mode = argc > 2 ? argv[2] : "";
    if (mode == "build" && argc == 6) {
      build(argv[1], atoi(argv[3]), atoi(argv[4]), argv[5]);
      return 0;
    }
    if (mode == "search" && argc > 5) {
      std::vector<int> efs;
      for (int i = 5; i < argc; i++) efs.push_back(atoi(argv[i]));
      search(argv[1], argv[3], atoi(argv[4]), efs);
      return 0;
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  std::cerr << "usage: hnsw DIR build M EFC INDEX | hnsw DIR search INDEX FILTER EF...\n";
  return 2;
}
