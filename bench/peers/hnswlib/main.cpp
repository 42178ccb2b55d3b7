// Measures hnswlib on a data set of `quarry bench engine data`, one thread.
//
//   hnsw DIR build M EFC INDEX           build, save, print processor time
//   hnsw DIR search INDEX FILTER EF...   recall@10 and queries per CPU-second
//
// FILTER is -1 for none, else the bit of filters.u16. Filtered rows are found
// as hnswlib 0.6 finds what is not deleted: rows that do not pass are marked
// deleted, so the search walks through them and never returns them. That is
// what the filter functor of later versions does, without its call.
#include <sys/resource.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "hnswlib/hnswlib.h"

namespace {

const int kNeighbors = 10;
const int kFilters = 8;

double cpuSeconds() {
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + 1e-6 * (r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

long residentBytes() {
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * 4096;
}

struct Matrix {
  uint32_t rows = 0, dim = 0;
  std::vector<float> data;
  explicit Matrix(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    in.read(reinterpret_cast<char*>(&rows), 4);
    in.read(reinterpret_cast<char*>(&dim), 4);
    data.resize(size_t(rows) * dim);
    in.read(reinterpret_cast<char*>(data.data()), data.size() * 4);
    if (!in) throw std::runtime_error("cannot read " + path);
  }
  const float* row(size_t i) const { return &data[i * dim]; }
};

template <typename T>
std::vector<T> readList(const std::string& path, size_t n) {
  std::vector<T> list(n);
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(list.data()), n * sizeof(T));
  if (!in) throw std::runtime_error("cannot read " + path);
  return list;
}

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

// search prints recall and speed for each ef. Each is measured for at least
// half a CPU-second, over the queries again and again.
void search(const std::string& dir, const std::string& file, int filter, const std::vector<int>& efs) {
  Matrix queries(dir + "/queries.fbin");
  size_t perFilter = size_t(queries.rows) * kNeighbors;
  auto truth = readList<int32_t>(dir + "/truth.ibin", (1 + kFilters) * perFilter);
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
    std::vector<std::vector<int32_t>> found(queries.rows);
    size_t answered = 0;
    double began = cpuSeconds(), took = 0;
    while (took < 0.5 || answered < 50) {
      size_t i = answered++ % queries.rows;
      auto result = index.searchKnn(queries.row(i), kNeighbors);
      found[i].clear();
      for (; !result.empty(); result.pop()) found[i].push_back(int32_t(result.top().second));
      if (answered % 10 == 0) took = cpuSeconds() - began;
    }
    took = cpuSeconds() - began;
    size_t hits = 0, wanted = 0;
    for (size_t i = 0; i < std::min<size_t>(answered, queries.rows); i++) {
      for (int j = 0; j < kNeighbors; j++) {
        int32_t want = truth[(1 + filter) * perFilter + i * kNeighbors + j];
        if (want < 0) continue;
        wanted++;
        for (int32_t row : found[i]) hits += row == want;
      }
    }
    printf("search filter=%d ef=%d recall=%.4f qps=%.1f\n", filter, ef, double(hits) / wanted, answered / took);
    fflush(stdout);
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
