// What the programs that measure peers on vectors share: the files of
// `quarry bench engine data`, and how a search is timed.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace peers {

const int kNeighbors = 10;
const int kFilters = 8;

inline double cpuSeconds() {
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + 1e-6 * (r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

inline long residentBytes() {
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

// measure prints recall and speed of find, which returns the rows nearest to a
// query, at the width ef. It runs for at least half a CPU-second, over the
// queries again and again.
template <typename Find>
void measure(const Matrix& queries, const std::vector<int32_t>& truth, int filter, int ef, Find find) {
  std::vector<std::vector<int64_t>> found(queries.rows);
  size_t answered = 0;
  double began = cpuSeconds(), took = 0;
  while (took < 0.5 || answered < 50) {
    size_t i = answered++ % queries.rows;
    found[i] = find(queries.row(i));
    if (answered % 10 == 0) took = cpuSeconds() - began;
  }
  took = cpuSeconds() - began;
  size_t hits = 0, wanted = 0;
  for (size_t i = 0; i < std::min<size_t>(answered, queries.rows); i++) {
    for (int j = 0; j < kNeighbors; j++) {
      int32_t want = truth[((1 + filter) * queries.rows + i) * kNeighbors + j];
      if (want < 0) continue;
      wanted++;
      hits += std::count(found[i].begin(), found[i].end(), want);
    }
  }
  printf("search filter=%d ef=%d recall=%.4f qps=%.1f\n", filter, ef, double(hits) / wanted, answered / took);
  fflush(stdout);
}

// readTruth reads the nearest rows of each query without a filter, and then
// under each: -1 where there are fewer.
inline std::vector<int32_t> readTruth(const std::string& dir, const Matrix& queries) {
  return readList<int32_t>(dir + "/truth.ibin", size_t(1 + kFilters) * queries.rows * kNeighbors);
}

}  // namespace peers
